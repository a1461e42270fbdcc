// Pins: an endless recursion is a StackOverflowError that can be caught, in main and in a thread with a small stack.
public class Main {
    static int depth;

    static int down(int n) {
        depth++;
        return down(n + 1) + 1;
    }

    static void attempt() {
        try {
            down(0);
        } catch (StackOverflowError e) {
            System.out.println("caught " + e.getMessage() + " " + (depth > 500) + " " + e.getStackTrace()[0].getMethodName());
        }
    }

    public static void main(String[] args) throws Exception {
        attempt();
        depth = 0;
        Thread t = new Thread(null, Main::attempt, "small", 256 * 1024);
        t.start();
        t.join();
        throw new StackOverflowError("by hand");
    }
}
