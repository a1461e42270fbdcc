// Pins: main dies of an exception but the program waits for another thread; the status is still 1.
public class Main {
    public static void main(String[] args) throws Exception {
        Thread main = Thread.currentThread();
        new Thread(() -> {
            try {
                main.join();
            } catch (InterruptedException e) {
                return;
            }
            System.out.println("outlived main");
        }).start();
        throw new CustomProblem(7);
    }

    static final class CustomProblem extends RuntimeException {
        final int code;

        CustomProblem(int code) {
            this.code = code;
        }

        @Override
        public String toString() {
            return "problem number " + code;
        }
    }
}
