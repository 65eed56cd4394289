#include <criterion/criterion.h>
#include <string.h>

#include "support/digest.h"

/* FIPS 180-2, appendix B */
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

Test(digest, gives_the_published_values)
{
	char hex[RT_SHA256_HEX + 1];

	rt_sha256_of("", 0, hex);
	cr_assert_str_eq(hex, OF_NOTHING);
	rt_sha256_of(NULL, 0, hex);
	cr_assert_str_eq(hex, OF_NOTHING);
	rt_sha256_of("abc", 3, hex);
	cr_assert_str_eq(hex, OF_ABC);
}

Test(digest, pieces_give_the_digest_of_the_whole)
{
	char hex[RT_SHA256_HEX + 1], piece[1000];
	struct rt_sha256 h;
	int i;

	memset(piece, 'a', sizeof(piece));
	rt_sha256_start(&h);
	for (i = 0; i < 1000; i++)
		rt_sha256_add(&h, piece, sizeof(piece));
	rt_sha256_hex(&h, hex);
	cr_assert_str_eq(hex, OF_MILLION_A);
}

Test(digest, fields_are_not_mistaken_for_one_another)
{
	char one[RT_SHA256_HEX + 1], two[RT_SHA256_HEX + 1];
	struct rt_sha256 h;

	rt_sha256_start(&h);
	rt_sha256_field(&h, "ab", 2);
	rt_sha256_field(&h, "c", 1);
	rt_sha256_hex(&h, one);
	rt_sha256_start(&h);
	rt_sha256_field(&h, "a", 1);
	rt_sha256_field(&h, "bc", 2);
	rt_sha256_hex(&h, two);
	cr_assert_str_neq(one, two);
}

Test(digest, field_is_the_big_endian_length_and_the_bytes)
{
	char one[RT_SHA256_HEX + 1], two[RT_SHA256_HEX + 1];
	struct rt_sha256 h;

	rt_sha256_start(&h);
	rt_sha256_field(&h, "abc", 3);
	rt_sha256_hex(&h, one);
	rt_sha256_of("\0\0\0\0\0\0\0\3abc", 11, two);
	cr_assert_str_eq(one, two);
}

Test(digest, random_names_have_the_digits_asked_for)
{
	char name[101];
	size_t digits;

	for (digits = 0; digits <= 100; digits++) {
		memset(name, '!', sizeof(name));
		rt_random_hex(name, digits);
		cr_assert_eq(strlen(name), digits);
		cr_assert_eq(strspn(name, "0123456789abcdef"), digits);
	}
}

Test(digest, random_names_differ)
{
	char one[33], two[33];

	rt_random_hex(one, 32);
	rt_random_hex(two, 32);
	cr_assert_str_neq(one, two);
}

Test(digest, hash_depends_on_every_byte)
{
	cr_assert_eq(rt_hash("abc", 3), rt_hash("abc", 3));
	cr_assert_neq(rt_hash("abc", 3), rt_hash("abd", 3));
	cr_assert_neq(rt_hash("abc", 3), rt_hash("abc", 4));
	cr_assert_neq(rt_hash("", 0), rt_hash("\0", 1));
}
