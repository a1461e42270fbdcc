const STOCK = new Map([['apple', 30], ['pear', 45]]);

module.exports.lookup = function lookup(name) {
  if (!STOCK.has(name)) {
    throw new ReferenceError(`no price for ${name}`);
  }
  return STOCK.get(name);
};
