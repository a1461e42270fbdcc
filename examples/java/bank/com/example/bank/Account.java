package com.example.bank;

import java.math.BigDecimal;

/** An account that never goes below zero. */
public record Account(String owner, BigDecimal balance) {
    public Account withdraw(BigDecimal amount) throws OverdrawnException {
        if (balance.compareTo(amount) < 0) {
            throw new OverdrawnException(owner + " has only " + balance);
        }
        return new Account(owner, balance.subtract(amount));
    }
}
