console.log('thrower evaluated');
const fail = () => {
  throw new Error('while a module was evaluated');
};
fail();
