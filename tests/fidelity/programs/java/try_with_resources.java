// Pins: resources close in reverse order, failures in close are suppressed and shown in the trace.
public class Main {
    record Res(String name, boolean failing) implements AutoCloseable {
        Res {
            System.out.println("open " + name);
        }

        @Override
        public void close() throws Exception {
            System.out.println("close " + name);
            if (failing) throw new Exception("close of " + name);
        }
    }

    public static void main(String[] args) throws Exception {
        try (Res a = new Res("a", false); Res b = null; Res c = new Res("c", true)) {
            System.out.println("body " + (b == null));
        } catch (Exception e) {
            System.out.println("caught " + e.getMessage() + " " + e.getSuppressed().length);
        } finally {
            System.out.println("finally");
        }
        try (Res d = new Res("d", true); Res e = new Res("e", true)) {
            throw new Exception("body fails");
        }
    }
}
