/* A Modbus device of libmodbus. Arguments: `tcp` and a port, or `rtu`, a serial port and a unit. Holding register n has the value
 * 1000 + n; input register n is what was written last to holding register n, and discrete input n to coil n. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdlib.h>
#include <string.h>

#define VALUES 500

static void answer(modbus_t *modbus, modbus_mapping_t *mapping) {
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(modbus, request);
        if (length < 0 && errno != EMBBADCRC && errno != ETIMEDOUT) {
            return;
        }
        if (length > 0) {
            modbus_reply(modbus, request, length, mapping);
            memcpy(mapping->tab_input_registers, mapping->tab_registers, VALUES * sizeof(uint16_t));
            memcpy(mapping->tab_input_bits, mapping->tab_bits, VALUES);
        }
    }
}

int main(int count, char **arguments) {
    if (count < 3) {
        return 2;
    }
    modbus_mapping_t *mapping = modbus_mapping_new(VALUES, VALUES, VALUES, VALUES);
    for (int number = 0; number < VALUES; number++) {
        mapping->tab_registers[number] = 1000 + number;
    }
    if (strcmp(arguments[1], "tcp") == 0) {
        modbus_t *modbus = modbus_new_tcp("127.0.0.1", atoi(arguments[2]));
        int listener = modbus_tcp_listen(modbus, 1);
        while (modbus_tcp_accept(modbus, &listener) >= 0) {
            answer(modbus, mapping);
            modbus_close(modbus);
        }
        return 1;
    }
    modbus_t *modbus = modbus_new_rtu(arguments[2], 9600, 'N', 8, 1);
    modbus_set_slave(modbus, count > 3 ? atoi(arguments[3]) : 1);
    if (modbus_connect(modbus) != 0) {
        return 1;
    }
    answer(modbus, mapping);
    return 0;
}
