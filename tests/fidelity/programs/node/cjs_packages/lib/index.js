globalThis.loads = (globalThis.loads ?? 0) + 1;
module.exports = { name: require('path').basename(__dirname), loads: globalThis.loads };
