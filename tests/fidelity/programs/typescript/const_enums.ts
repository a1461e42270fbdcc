const enum Level { Low = 1, High = Low << 3, Both = Low | High }
enum Mixed { A, B = "b", C = 7, D, E = "x".length }
console.log(Level.High, Level.Both, Mixed.A, Mixed.B, Mixed.D, Mixed[7], Mixed.E);
console.log(Object.entries(Mixed).length, Mixed["B"]);
enum Merged { One = 1 } enum Merged { Two = 2 }
console.log(Merged);
declare const enum Elsewhere { X = 4 }
console.log(typeof Level === "object" || true);
