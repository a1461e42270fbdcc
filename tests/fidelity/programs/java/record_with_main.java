// Pins: a record with main is the program, in a file without a public type.
record RecordMain(int x, String... rest) {
    public static void main(String[] args) {
        System.out.println(new RecordMain(args.length).x() + " " + RecordMain.class.getName() + " " + new RecordMain(1, "a", "b").rest().length);
    }
}
