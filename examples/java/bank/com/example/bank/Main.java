package com.example.bank;

import java.math.BigDecimal;

/** Withdraws until the bank says no, and then ends with exit code 3. */
public class Main {
    public static void main(String[] args) {
        Account account = new Account("Ada", new BigDecimal("100.00"));
        try {
            while (true) {
                account = account.withdraw(new BigDecimal("35.50"));
                System.out.println(account);
            }
        } catch (OverdrawnException e) {
            System.err.println("refused: " + e.getMessage());
            System.exit(3);
        }
    }
}
