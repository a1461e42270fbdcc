import java.util.ArrayDeque;

class Calculator {
    private final ArrayDeque<Long> stack = new ArrayDeque<>();

    long eval(String line) {
        for (String t : line.split(" ")) {
            stack.push(Character.isDigit(t.charAt(0)) ? Long.parseLong(t) : Op.of(t).apply(stack.pop(), stack.pop()));
        }
        return stack.peek();
    }
}
