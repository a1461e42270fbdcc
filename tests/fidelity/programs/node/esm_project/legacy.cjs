exports.answer = 42;
exports.main = require.main === module;
