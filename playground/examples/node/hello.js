console.log("Hello from a sealed sandbox!");
console.log("Node.js", process.versions.node);
