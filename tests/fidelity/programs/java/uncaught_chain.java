// Pins: the trace of an uncaught exception with causes, a suppressed one and common frames; exit status 1.
public class Main {
    static class StorageException extends Exception {
        StorageException(String m, Throwable cause) {
            super(m, cause);
        }
    }

    static void read(int n) {
        if (n == 0) throw new IllegalStateException("depth reached: ü");
        read(n - 1);
    }

    static void load() throws StorageException {
        try {
            read(3);
        } catch (RuntimeException e) {
            StorageException s = new StorageException("cannot load\nsecond line", e);
            s.addSuppressed(new java.io.IOException("close failed", new Error("deep")));
            throw s;
        }
    }

    public static void main(String[] args) throws Exception {
        System.out.println("before");
        try {
            load();
        } finally {
            System.out.println("finally");
        }
        System.out.println("never");
    }
}
