// Pins: a program that prints nothing and leaves with 0 stays silent.
class Nothing {
    public static void main(String[] args) {}
}
