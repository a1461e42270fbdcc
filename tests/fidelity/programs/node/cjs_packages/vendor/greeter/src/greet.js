module.exports = (name) => `hello ${name} from ${module.path.split('/').slice(-2).join('/')}`;
