import java.util.function.LongBinaryOperator;

enum Op {
    PLUS("+", (b, a) -> a + b),
    MINUS("-", (b, a) -> a - b),
    TIMES("*", (b, a) -> a * b),
    OVER("/", (b, a) -> a / b);

    private final String sign;
    private final LongBinaryOperator f;

    Op(String sign, LongBinaryOperator f) {
        this.sign = sign;
        this.f = f;
    }

    long apply(long b, long a) {
        return f.applyAsLong(b, a);
    }

    static Op of(String s) {
        for (Op o : values()) if (o.sign.equals(s)) return o;
        throw new IllegalArgumentException(s);
    }
}
