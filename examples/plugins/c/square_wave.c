/* A native plugin: a square wave at an input, and a lamp that follows an output.
 *
 *     gcc -shared -fPIC -O2 -Wall -o square_wave.so square_wave.c -lpthread
 *
 * In /etc/openplc-runtime/plugins.conf:
 *
 *     square_wave,/usr/local/lib/openplc/square_wave.so,1,1,square_wave.json
 *
 * %IX0.0 changes twice a second; whenever the program switches %QX0.0, it is logged. */
#include <openplc/openplc_plugin.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static plugin_runtime_args_t runtime;
static pthread_t thread;
static atomic_bool stopping;
static atomic_uint changes;

static void *work(void *unused) {
    (void)unused;
    bool wave = false;
    IEC_BOOL lamp = 0;
    while (!stopping) {
        wave = !wave;
        /* With the next scan. */
        if (runtime.journal_write_bool(OPENPLC_BOOL_INPUT, 0, 0, wave) != 0) {
            runtime.log_debug("nobody takes the wave");
        }
        /* Short: copy what you need, unlock, then work. */
        runtime.image_lock();
        IEC_BOOL now = *runtime.bool_output[0][0];
        runtime.image_unlock();
        if (now != lamp) {
            lamp = now;
            changes++;
            runtime.log_info("the lamp is %s", lamp ? "on" : "off");
        }
        usleep(250000);
    }
    return NULL;
}

int init(void *arguments) {
    memcpy(&runtime, arguments, sizeof runtime);
    return 0;
}

int start_loop(void) {
    stopping = false;
    return pthread_create(&thread, NULL, work, NULL);
}

void stop_loop(void) {
    stopping = true;
    pthread_join(thread, NULL);
}

int get_stats(char *response, size_t size) {
    snprintf(response, size, "{\"label\": \"Square wave\", \"fields\": [{\"label\": \"Changes of the lamp\", \"value\": %u}]}",
             changes);
    return 0;
}
