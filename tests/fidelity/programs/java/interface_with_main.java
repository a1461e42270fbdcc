// Pins: an interface with a static main is the program; default, static and private interface methods.
public interface InterfaceMain {
    String name();

    default String greet() {
        return decorate("hello " + name());
    }

    private String decorate(String s) {
        return "*" + s + "*";
    }

    static InterfaceMain of(String n) {
        return () -> n;
    }

    static void main(String[] args) {
        System.out.println(of("world").greet());
        System.out.println(InterfaceMain.class.isInterface());
        throw new IllegalStateException(of("trace").name());
    }
}
