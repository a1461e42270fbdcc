export function lowOnStock(inventory, least) {
  return inventory.filter(({ count }) => count < least).sort((a, b) => a.count - b.count);
}
