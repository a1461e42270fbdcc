// Pins: ExceptionInInitializerError, then NoClassDefFoundError on the second use, then the end by the main class's own.
public class StaticInit {
    static class Broken {
        static int value = compute();

        static int compute() {
            throw new ArithmeticException("in the initializer");
        }
    }

    static class Other {
        static final int[] TABLE = new int[2];

        static {
            TABLE[2] = 1;
        }
    }

    public static void main(String[] args) {
        for (int i = 0; i < 2; i++) {
            try {
                System.out.println(Broken.value);
            } catch (ExceptionInInitializerError e) {
                System.out.println("first: " + e.getCause());
            } catch (NoClassDefFoundError e) {
                System.out.println("second: " + e.getMessage());
            }
        }
        System.out.println(Other.TABLE.length);
    }
}
