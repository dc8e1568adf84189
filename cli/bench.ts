export const command={name:'bench',help:'',flags:{},examples:[]}; export const main=()=>Promise.resolve(1);
