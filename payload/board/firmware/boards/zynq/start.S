/* Start-up code for one core of the Zynq-7000, entered in a privileged mode from the boot loader or
   QEMU's -kernel. */
    .syntax unified
    .arm
    .fpu neon
    .section .vectors, "ax"
    .align 5
    .global _start
_start:                             /* also the exception vectors, once VBAR points here */
    b reset
    b fault                         /* undefined instruction */
    b fault                         /* supervisor call */
    b fault                         /* prefetch abort */
    b fault                         /* data abort */
    b fault
    b interrupt
    b fault                         /* fast interrupt: none is set up */

reset:
    cpsid if
    mrc p15, 0, r0, c0, c0, 5       /* MPIDR: the second core sleeps */
    ands r0, r0, #3
1:  wfene
    bne 1b

    mrc p15, 0, r0, c1, c0, 0       /* SCTLR: MMU and caches off, whatever ran before */
    bic r0, r0, #0x1000
    bic r0, r0, #0x2000             /* exception vectors at VBAR */
    bic r0, r0, #0x0005
    mcr p15, 0, r0, c1, c0, 0
    isb
    ldr r0, =_start
    mcr p15, 0, r0, c12, c0, 0      /* VBAR */

    cps #0x12                       /* IRQ mode */
    ldr sp, =interrupt_stack_top
    cps #0x17                       /* abort mode; its faults end in a reset: no stack */
    cps #0x13
    ldr sp, =stack_top

    ldr r0, =bss_start
    ldr r1, =bss_end
    mov r2, #0
2:  cmp r0, r1
    strlo r2, [r0], #4
    blo 2b

    mrc p15, 0, r0, c1, c0, 2       /* CPACR: VFP and NEON (ARM DDI 0406, B4.1.40) */
    orr r0, r0, #0x00F00000
    mcr p15, 0, r0, c1, c0, 2
    isb
    mov r0, #0x40000000             /* FPEXC.EN */
    vmsr fpexc, r0

    bl main
fault:
    b board_restart

/* Save all registers that a C function may change, NEON's too: the library's memcpy uses them. */
interrupt:
    sub lr, lr, #4
    push {r0-r3, r12, lr}
    vpush {d0-d7}
    vpush {d16-d31}
    vmrs r0, fpscr
    push {r0, r1}
    bl board_interrupt
    pop {r0, r1}
    vmsr fpscr, r0
    vpop {d16-d31}
    vpop {d0-d7}
    pop {r0-r3, r12, lr}
    movs pc, lr
