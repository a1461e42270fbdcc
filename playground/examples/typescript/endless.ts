// Ends at its time limit, or when you press Stop.
let tick: number = 0;
setInterval((): void => console.log("tick", ++tick), 250);
