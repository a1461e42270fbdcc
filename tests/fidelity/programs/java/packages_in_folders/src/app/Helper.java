package app;

class Helper {
    static String join(String[] parts) {
        return String.join("+", parts);
    }

    public static void main(String[] args) {
        System.out.println("not the program");
    }
}
