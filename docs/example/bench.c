/* Parses and prints a document many times; says how many milliseconds of processor time that took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cJSON.h"

int
main(void)
{
	cJSON *list = cJSON_CreateArray();
	struct timespec at;
	char *text;

	for (int i = 0; i < 400; i++) {
		cJSON *item = cJSON_CreateObject();
		char name[32];

		snprintf(name, sizeof(name), "item %d", i);
		cJSON_AddStringToObject(item, "name", name);
		cJSON_AddNumberToObject(item, "size", i * 1.5);
		cJSON_AddBoolToObject(item, "even", i % 2 == 0);
		cJSON_AddItemToArray(list, item);
	}
	text = cJSON_PrintUnformatted(list);
	for (int round = 0; round < 150; round++)
		cJSON_Delete(cJSON_Parse(text));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	printf("parse took %.3f ms\n", (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6);
	free(text);
	cJSON_Delete(list);
	return 0;
}
