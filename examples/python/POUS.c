void SCALE_init__(SCALE *data__, BOOL retain) {
  __INIT_VAR(data__->EN,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->ENO,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->RAW,0,retain)
  __INIT_VAR(data__->FACTOR,0,retain)
  __INIT_VAR(data__->SCALED,0,retain)
  __INIT_VAR(data__->ROUNDS,0,retain)
  __INIT_VAR(data__->ODD,__BOOL_LITERAL(FALSE),retain)
  __INIT_VAR(data__->FIRST_RUN,__BOOL_LITERAL(FALSE),retain)
  __INIT_VAR(data__->SHM_IN_PTR,0,retain)
  __INIT_VAR(data__->SHM_OUT_PTR,0,retain)
}

// Code part
void SCALE_body__(SCALE *data__) {
  __SET_VAR(data__->,ENO,,__GET_VAR(data__->EN,));
  if (!__GET_VAR(data__->EN,)) return;
    typedef uint8_t IEC_BOOL;
    typedef struct __attribute__((packed)) {
        IEC_INT RAW;
        IEC_REAL FACTOR;
    } shm_data_in_t;
    typedef struct __attribute__((packed)) {
        IEC_REAL SCALED;
        IEC_UDINT ROUNDS;
        IEC_BOOL ODD;
    } shm_data_out_t;
  if (__GET_VAR(data__->FIRST_RUN,) == FALSE) {
        pid_t pid = getpid();
        void *shm_in_ptr = NULL;
        void *shm_out_ptr = NULL;
        char shm_name[128];
        create_shm_name(shm_name, sizeof(shm_name));
        const char *script_name = "SCALE.py";
        const char script_template[] =
            "import struct\n"
            "import os\n"
            "import time\n"
            "from multiprocessing import shared_memory\n"
            "\n"
            "def block_init():\n"
            "    print(\"scaling with 100% precision\")\n"
            "\n"
            "\n"
            "def block_loop():\n"
            "    global SCALED, ROUNDS, ODD\n"
            "    SCALED = RAW * FACTOR\n"
            "    ROUNDS += 1\n"
            "    ODD = RAW % 2\n"
            "    if ROUNDS == 1:\n"
            "        print(\"first value: %d, factor %.1f\" % (RAW, FACTOR))\n"
            "\n"
            "plc_pid = %d\n"
            "fmt_in = '=hf'\n"
            "fmt_out = '=fIB'\n"
            "try:\n"
            "    shm_in = shared_memory.SharedMemory(name='%s_in')\n"
            "    shm_out = shared_memory.SharedMemory(name='%s_out')\n"
            "except Exception as error:\n"
            "    print(f'No shared memory: {error}')\n"
            "    exit(1)\n"
            "\n"
            "SCALED = 0\n"
            "ROUNDS = 0\n"
            "ODD = 0\n"
            "block_init()\n"
            "while True:\n"
            "    try:\n"
            "        os.kill(plc_pid, 0)\n"
            "    except OSError:\n"
            "        break\n"
            "    (RAW, FACTOR, ) = struct.unpack_from(fmt_in, shm_in.buf)\n"
            "    block_loop()\n"
            "    struct.pack_into(fmt_out, shm_out.buf, 0, *(SCALED, ROUNDS, ODD, ))\n"
            "    time.sleep(0.1)\n"
            "print('SCALE ends')\n"
            "for memory in (shm_in, shm_out):\n"
            "    memory.close()\n"
            "    memory.unlink()\n";
        if (python_block_loader(script_name, script_template, shm_name, sizeof(shm_data_in_t), sizeof(shm_data_out_t), &shm_in_ptr, &shm_out_ptr, pid) < 0) {
            printf("SCALE: the script was not started\n");
            return;
        }
        data__->SHM_IN_PTR.value = (uint64_t)shm_in_ptr;
        data__->SHM_OUT_PTR.value = (uint64_t)shm_out_ptr;
    
    __SET_VAR(data__->,FIRST_RUN,,TRUE);
  }
  else {
        shm_data_in_t values_in, *input = &values_in;
        shm_data_out_t values_out, *output = &values_out;
        if (data__->SHM_IN_PTR.value == 0 || data__->SHM_OUT_PTR.value == 0) {
            printf("SCALE: no shared memory\n");
            return;
        }
        input->RAW = data__->RAW.value;
        input->FACTOR = data__->FACTOR.value;
        memcpy((void *)data__->SHM_IN_PTR.value, input, sizeof(*input));
        memcpy(output, (void *)data__->SHM_OUT_PTR.value, sizeof(*output));
        data__->SCALED.value = output->SCALED;
        data__->ROUNDS.value = output->ROUNDS;
        data__->ODD.value = output->ODD;
    
  }
  goto __end;

__end:
  return;
} // SCALE_body__() 




void MAIN_init__(MAIN *data__, BOOL retain) {
  __INIT_VAR(data__->COUNTER,0,retain)
  SCALE_init__(&data__->FIRST,retain);
  SCALE_init__(&data__->SECOND,retain);
  __INIT_VAR(data__->DIFFERENCE,0,retain)
}

// Code part
void MAIN_body__(MAIN *data__) {
  __SET_VAR(data__->,COUNTER,,__GET_VAR(data__->COUNTER,) + 1);
  __SET_VAR(data__->FIRST.,RAW,,__GET_VAR(data__->COUNTER,));
  __SET_VAR(data__->FIRST.,FACTOR,,0.5);
  SCALE_body__(&data__->FIRST);
  __SET_VAR(data__->SECOND.,RAW,,7);
  __SET_VAR(data__->SECOND.,FACTOR,,3.0);
  SCALE_body__(&data__->SECOND);
  __SET_VAR(data__->,DIFFERENCE,,__GET_VAR(data__->SECOND.SCALED,) - __GET_VAR(data__->FIRST.SCALED,));
  goto __end;

__end:
  return;
} // MAIN_body__() 



