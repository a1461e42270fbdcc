// Pins down throwing things that are no errors: a caught sample of each, then an uncaught object.
for (const thing of [undefined, null, 0, 'text', Symbol('s'), 12n, () => 1, [1, 2]]) {
  try {
    throw thing;
  } catch (caught) {
    console.log(typeof caught, caught);
  }
}
throw { code: 42, text: 'an object, not an Error', toString() { return 'never asked'; } };
