// Pins: the helpful texts of NullPointerException (they depend on the compiler's debug options too).
public class Main {
    int[] numbers;
    Main next;
    String name;

    Main self() {
        return next;
    }

    static void attempt(Runnable r) {
        try {
            r.run();
        } catch (NullPointerException e) {
            System.out.println(e.getMessage());
        }
    }

    static int unbox(Integer i) {
        return i;
    }

    public static void main(String[] args) {
        Main n = new Main();
        attempt(() -> System.out.println(n.name.length()));
        attempt(() -> n.numbers[3] = 1);
        attempt(() -> System.out.println(n.numbers.length));
        attempt(() -> n.self().name = "x");
        attempt(() -> unbox(null));
        attempt(() -> java.util.Objects.requireNonNull(n.name, "name is required"));
        Main[][] grid = new Main[2][];
        Main local = n.next;
        try {
            grid[1][0] = n;
        } catch (NullPointerException e) {
            System.out.println(e.getMessage());
        }
        synchronized (local) {
            System.out.println("never");
        }
    }
}
