/* The one place where the stb image libraries are compiled; users include their headers. */
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
/* Zeroed: a JPEG that uses a Huffman table before it defines it must find an empty one, not what the memory held before. */
#include <stdlib.h>
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(memory, size) realloc(memory, size)
#define STBI_FREE(memory) free(memory)
#include <stb_image.h>

/* It asserts that a filter's weights add up to 0.9 … 1.1 and divides by their sum right after. At ratios near 1.5 the
 * triangle's add up to 0.89 … 1.11: nothing is wrong, and images of such sizes must not end the process. */
#define STBIR_ASSERT(condition) ((void)0)
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image_resize.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
