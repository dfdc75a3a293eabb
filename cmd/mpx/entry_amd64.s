#include "textflag.h"

// entry runs before the Go runtime does, which puts /dev/null in the place of a
// closed stdout and handlers in that of what signals were to do, so that nobody can
// tell afterwards. It asks for the flags of descriptor 1 (fcntl 1, F_GETFD), and for
// the action of signals 1 to 31 (rt_sigaction), of which it notes the ignored ones,
// and goes on as the runtime's own entry. The linker is told of it by -E; without,
// stdoutFlags and ignoredSignals stay 0.
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0
	MOVQ $72, AX
	MOVQ $1, DI
	MOVQ $1, SI
	SYSCALL
	MOVQ AX, ·stdoutFlags(SB)

	XORQ R12, R12
	MOVQ $1, R13
	MOVQ SP, R14
	SUBQ $64, R14 // struct sigaction, below the stack, which nobody uses yet

action:
	MOVQ $13, AX
	MOVQ R13, DI
	XORQ SI, SI
	MOVQ R14, DX
	MOVQ $8, R10
	SYSCALL
	CMPQ (R14), $1 // SIG_IGN
	JNE  next
	BTSQ R13, R12

next:
	INCQ R13
	CMPQ R13, $32
	JLT  action
	MOVQ R12, ·ignoredSignals(SB)
	JMP  _rt0_amd64_linux(SB)
