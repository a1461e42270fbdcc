// Pins: assertions are off unless asked for, and no option of the surroundings switches them on.
public class Main {
    static int calls;

    static boolean check() {
        calls++;
        return false;
    }

    public static void main(String[] args) {
        assert check() : "not evaluated";
        System.out.println(calls + " " + Main.class.desiredAssertionStatus());
        Main.class.getClassLoader().setClassAssertionStatus("Late", true);
        try {
            Late.run();
        } catch (AssertionError e) {
            System.out.println("on by hand: " + e.getMessage());
        }
        System.out.println(System.getenv("JAVA_TOOL_OPTIONS") + " " + System.getenv("CLASSPATH"));
        throw new AssertionError("thrown explicitly: " + 42);
    }
}

class Late {
    static void run() {
        assert Main.check() : 1.5;
    }
}
