// Pins: assertions are off unless asked for, and no option of the surroundings switches them on.
public class AssertionsOff {
    static int calls;

    static boolean check() {
        calls++;
        return false;
    }

    public static void main(String[] args) {
        assert check() : "not evaluated";
        System.out.println(calls + " " + AssertionsOff.class.desiredAssertionStatus());
        AssertionsOff.class.getClassLoader().setClassAssertionStatus("Late", true);
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
        assert AssertionsOff.check() : 1.5;
    }
}
