const store = require('./store.js');

exports.total = (names) => names.reduce((sum, name) => sum + store.lookup(name), 0);
