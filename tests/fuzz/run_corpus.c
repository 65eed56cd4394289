/*
 * Runs a fuzzer's entry point over every file of a corpus folder, so that the corpus is part of the ordinary tests with
 * any compiler. The fuzzers themselves are built with -Dfuzzers=true by clang.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size_t cap = 16u << 20;
	uint8_t *bytes = malloc(cap);
	if (!bytes)
		abort();
	size_t len = fread(bytes, 1, cap, file);
	fclose(file);
	/* an exact allocation, so that reading past the end is seen */
	uint8_t *exact = malloc(len ? len : 1);
	if (!exact)
		abort();
	memcpy(exact, bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int
main(int argc, char **argv)
{
	int files = 0;
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	DIR *dir = opendir(argv[1]);
	if (!dir) {
		perror(argv[1]);
		return 1;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		if (run_file(argv[1], entry->d_name) < 0)
			return 1;
		files++;
	}
	closedir(dir);
	printf("%d inputs\n", files);
	return files ? 0 : 1;
}
