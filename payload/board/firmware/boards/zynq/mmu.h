/* Enables address translation and caches on the real boards. */
#ifndef DP_MMU_H
#define DP_MMU_H

void mmu_on(void);

#endif
