// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
int main(int c,char**v){printf("hello, world (%d args)\n",c);return 0;}
