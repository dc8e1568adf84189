export const command={name:'inspect',help:'',flags:{},examples:[]}; export const main=()=>Promise.resolve(1);
