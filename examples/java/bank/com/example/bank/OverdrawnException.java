package com.example.bank;

public class OverdrawnException extends Exception {
    public OverdrawnException(String message) {
        super(message);
    }
}
