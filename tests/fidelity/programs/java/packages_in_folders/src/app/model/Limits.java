package app.model;

public interface Limits {
    int MAX = 100;

    static String describe() {
        return "at most " + MAX;
    }
}
