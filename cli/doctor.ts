export const command={name:'doctor',help:'',flags:{},examples:[]}; export const main=()=>Promise.resolve(1);
