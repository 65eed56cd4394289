#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/mem.h"

Test(mem, alloc_gives_zeroed_memory)
{
	rt_auto(free) unsigned char *p = rt_alloc(64, 4);
	size_t i, sum = 0;

	for (i = 0; i < 256; i++)
		sum += p[i];
	cr_assert_eq(sum, 0);
}

Test(mem, alloc_of_nothing_is_not_null)
{
	rt_auto(free) void *p = rt_alloc(0, 0);

	cr_assert_not_null(p);
}

Test(mem, product_that_overflows_ends_the_process, .signal = SIGABRT)
{
	free(rt_realloc(NULL, SIZE_MAX / 2, 4));
}

Test(mem, strndup_stops_at_the_length)
{
	rt_auto(free) char *s = rt_strndup("abcdef", 3);

	cr_assert_str_eq(s, "abc");
}

Test(mem, format_makes_a_string)
{
	rt_auto(free) char *s = rt_format("%s-%d", "a", 7);

	cr_assert_str_eq(s, "a-7");
}

Test(mem, steal_leaves_null_behind)
{
	char *s = rt_strdup("x");
	rt_auto(free) char *taken = rt_steal(&s);

	cr_assert_null(s);
	cr_assert_str_eq(taken, "x");
}

Test(mem, auto_fd_closes_at_the_end_of_the_scope)
{
	int kept;

	{
		rt_auto(fd) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		kept = fd;
		cr_assert_geq(fd, 0);
	}
	cr_assert_eq(fcntl(kept, F_GETFD), -1);
	cr_assert_eq(errno, EBADF);
}

Test(mem, close_keeps_errno)
{
	errno = ENOSPC;
	rt_close(12345);
	rt_close(-1);
	cr_assert_eq(errno, ENOSPC);
}

Test(mem, push_grows_by_doubling_and_keeps_values)
{
	RT_VEC(int) v = {0};
	int i;

	for (i = 0; i < 1000; i++)
		*rt_push(&v) = i;
	cr_assert_eq(v.n, 1000);
	cr_assert_eq(v.cap, 1024);
	for (i = 0; i < 1000; i++)
		cr_assert_eq(v.at[i], i);
	free(v.at);
}

Test(mem, push_gives_zeroed_items)
{
	RT_VEC(struct { char c[100]; }) v = {0};
	int i;

	for (i = 0; i < 20; i++) {
		cr_assert_eq(rt_push(&v)->c[99], 0);
		memset(v.at, 0xff, v.cap * sizeof(*v.at));
	}
	free(v.at);
}

Test(mem, arena_strings_keep_their_addresses)
{
	struct rt_arena arena = {0};
	char *first = rt_arena_add(&arena, "first", 5), *s;
	char text[32];
	int i;

	for (i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "string %d", i);
		s = rt_arena_add(&arena, text, strlen(text));
		cr_assert_str_eq(s, text);
	}
	cr_assert_str_eq(first, "first");
	rt_arena_release(&arena);
}

Test(mem, arena_takes_strings_larger_than_a_chunk)
{
	struct rt_arena arena = {0};
	size_t len = 1 << 20;
	rt_auto(free) char *large = rt_alloc(1, len + 1);
	char *small, *copy, *next;

	memset(large, 'x', len);
	small = rt_arena_add(&arena, "small", 5);
	copy = rt_arena_add(&arena, large, len);
	next = rt_arena_add(&arena, "", 0);
	cr_assert_str_eq(copy, large);
	cr_assert_str_eq(small, "small");
	cr_assert_str_eq(next, "");
	rt_arena_release(&arena);
	cr_assert_null(arena.last);
	rt_arena_release(&arena);
}

Test(mem, arena_may_begin_with_a_large_string)
{
	struct rt_arena arena = {0};
	rt_auto(free) char *large = rt_alloc(1, 200001);
	char *a, *b;

	memset(large, 'y', 200000);
	a = rt_arena_add(&arena, large, 200000);
	b = rt_arena_add(&arena, "b", 1);
	cr_assert_eq(strlen(a), 200000);
	cr_assert_str_eq(b, "b");
	rt_arena_release(&arena);
}

Test(mem, arena_text_may_hold_a_nul)
{
	struct rt_arena arena = {0};
	char *s = rt_arena_add(&arena, "a\0b", 3);

	cr_assert_arr_eq(s, "a\0b", 4);
	rt_arena_release(&arena);
}
