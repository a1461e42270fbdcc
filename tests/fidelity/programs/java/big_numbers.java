// Pins: BigDecimal scales and rounding, BigInteger arithmetic, exact Math, bit tricks, seeded random numbers.
import java.math.*;
import java.util.*;

public class Main {
    public static void main(String[] args) {
        BigDecimal a = new BigDecimal("10.00"), b = new BigDecimal("3");
        System.out.println(a.divide(b, 20, RoundingMode.HALF_EVEN) + " " + a.add(b) + " " + a.equals(new BigDecimal("10")) + " " + a.compareTo(BigDecimal.TEN) + " " + a.stripTrailingZeros() + " " + a.stripTrailingZeros().toPlainString());
        for (RoundingMode m : RoundingMode.values()) if (m != RoundingMode.UNNECESSARY) System.out.print(new BigDecimal("-2.5").setScale(0, m) + " ");
        System.out.println(new BigDecimal(0.1).toString().length() + " " + new BigDecimal("1E+3").multiply(new BigDecimal("1E-5")) + " " + new BigDecimal(2).sqrt(new MathContext(50)));
        BigInteger f = BigInteger.ONE;
        for (int i = 2; i <= 50; i++) f = f.multiply(BigInteger.valueOf(i));
        System.out.println(f + " " + f.bitLength() + " " + f.getLowestSetBit() + " " + f.toString(36));
        BigInteger p = BigInteger.TWO.pow(127).subtract(BigInteger.ONE);
        System.out.println(p.isProbablePrime(20) + " " + BigInteger.valueOf(3).modPow(p, BigInteger.valueOf(1_000_000_007)) + " " + BigInteger.valueOf(7).modInverse(p) + " " + BigInteger.valueOf(84).gcd(BigInteger.valueOf(-36)));
        Random r = new Random(42);
        System.out.println(r.nextInt(1000) + " " + r.nextLong() + " " + r.nextDouble() + " " + r.nextGaussian() + " " + new SplittableRandom(1).nextInt(100));
        List<Integer> l = new ArrayList<>(List.of(1, 2, 3, 4, 5, 6, 7));
        Collections.shuffle(l, new Random(7));
        System.out.println(l + " " + Integer.toBinaryString(-8 >>> 26) + " " + Long.numberOfTrailingZeros(64) + " " + Integer.reverse(1) + " " + Long.toUnsignedString(-1) + " " + Integer.parseUnsignedInt("4294967295"));
        System.out.println(Math.floorMod(-7, 3) + " " + Math.round(-2.5) + " " + Math.rint(2.5) + " " + StrictMath.sin(1e6) + " " + Math.fma(2.0, 3.0, 1.0) + " " + Math.hypot(3, 4) + " " + Math.cbrt(27) + " " + Double.compare(0.0, -0.0) + " " + (0.0 / 0 == 0.0 / 0));
        System.out.println(BigDecimal.ONE.divide(b));
    }
}
