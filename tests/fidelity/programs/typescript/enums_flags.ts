enum Access { None = 0, Read = 1 << 0, Write = 1 << 1, All = Read | Write }
const granted: Access = Access.Read | Access.Write;
console.log(Access[granted], granted === Access.All, (granted & Access.Write) !== 0);
for (const name in Access) if (isNaN(Number(name))) console.log(name);
