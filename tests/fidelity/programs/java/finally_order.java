// Pins: the order of try, catch, finally and return, a finally that overrides, nested ones.
public class Main {
    static StringBuilder log = new StringBuilder();

    @SuppressWarnings("finally")
    static int overriding() {
        try {
            throw new RuntimeException("swallowed");
        } finally {
            return 7;
        }
    }

    static int late() {
        int x = 1;
        try {
            return x;
        } finally {
            x = 2;
            log.append("late ");
        }
    }

    public static void main(String[] args) throws Exception {
        System.out.println(overriding() + " " + late() + " " + log);
        for (int i = 0; i < 4; i++) {
            try {
                try {
                    if (i == 1) continue;
                    if (i == 3) break;
                    if (i == 2) throw new Exception("i=" + i);
                    System.out.println("body " + i);
                } catch (Exception e) {
                    System.out.println("caught " + e.getMessage());
                    throw new IllegalStateException("again", e);
                } finally {
                    System.out.println("inner finally " + i);
                }
            } catch (IllegalStateException e) {
                System.out.println("outer " + e.getCause().getMessage());
            } finally {
                System.out.println("outer finally " + i);
            }
        }
        try {
            throw new Exception("last");
        } finally {
            System.out.println("before the trace");
        }
    }
}
