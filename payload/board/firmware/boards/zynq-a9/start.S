/* One core of the Zynq-7000, in SVC mode as the boot loader (or QEMU's -kernel) leaves it. */
    .syntax unified
    .arm
    .section .vectors, "ax"
    .global _start
_start:
    mrc p15, 0, r0, c0, c0, 5       /* MPIDR: the second core sleeps */
    ands r0, r0, #3
1:  wfene
    bne 1b
    ldr sp, =stack_top
    ldr r0, =bss_start
    ldr r1, =bss_end
    mov r2, #0
2:  cmp r0, r1
    strlo r2, [r0], #4
    blo 2b
    bl main
3:  b 3b
