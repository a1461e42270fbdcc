# The same as ./dev, for those who type make.
.PHONY: run test bench nightly
run test bench nightly:
	@./dev $@
