export const command={name:'backends',help:'',flags:{},examples:[]}; export const main=()=>Promise.resolve(1);
