// Ends at its time limit, or when you press Stop.
let tick = 0;
setInterval(() => console.log("tick", ++tick), 250);
