"""Function blocks written in Python: the block in the generated sources, which starts a script and exchanges values with it."""

from __future__ import annotations

from matiec.python_block import _c_string, _script

from .model import Pou, Variable

_C_TYPES = {
    "BOOL": "uint8_t", "INT": "int16_t", "UINT": "uint16_t", "DINT": "int32_t", "UDINT": "uint32_t", "REAL": "float",
    "LREAL": "double",
}  # fmt: skip


def python_block(name: str, inputs: list[Variable], outputs: list[Variable], code: str) -> Pou:
    """`code` defines `block_init()`, called once, and `block_loop()`, called every 100 ms. Values are its globals."""
    private = [Variable("FIRST_RUN", "BOOL"), Variable("SHM_IN_PTR", "ULINT"), Variable("SHM_OUT_PTR", "ULINT")]
    body = _BODY.format(
        input_structure=_structure("shm_data_in_t", inputs),
        output_structure=_structure("shm_data_out_t", outputs),
        name=name,
        template=_c_string(_script(name, inputs, outputs, code)),
        write_inputs="".join(f"        input.{pin.name} = {pin.name};\n" for pin in inputs),
        read_outputs="".join(f"        {pin.name} = output.{pin.name};\n" for pin in outputs),
    )
    return Pou(name, [*inputs, *outputs, *private], body, is_program=False)


def _structure(name: str, pins: list[Variable]) -> str:
    fields = "".join(f"        {_C_TYPES[pin.type]} {pin.name};\n" for pin in pins) or "        uint8_t unused;\n"
    return f"    typedef struct __attribute__((packed)) {{\n{fields}    }} {name};\n"


_BODY = """\
    #define STR_LEN_TYPE int8_t
    #define STR_MAX_LEN 126
    typedef STR_LEN_TYPE __strlen_t;
{input_structure}{output_structure}
    if (FIRST_RUN == false) {{
        pid_t pid = getpid();
        void *shm_in_ptr = NULL;
        void *shm_out_ptr = NULL;
        char shm_name[128];
        create_shm_name(shm_name, sizeof(shm_name));
        const char *script_name = "{name}.py";
        const char script_template[] =
{template};
        if (python_block_loader(script_name, script_template, shm_name, sizeof(shm_data_in_t), sizeof(shm_data_out_t), &shm_in_ptr, &shm_out_ptr, pid) < 0)
        {{
            printf("{name}: the script was not started\\n");
            return;
        }}
        SHM_IN_PTR = (uint64_t)shm_in_ptr;
        SHM_OUT_PTR = (uint64_t)shm_out_ptr;
        FIRST_RUN = true;
    }} else {{
        void *shm_in_ptr = (void *)(uint64_t)SHM_IN_PTR;
        void *shm_out_ptr = (void *)(uint64_t)SHM_OUT_PTR;
        shm_data_in_t input;
        shm_data_out_t output;
{write_inputs}        memcpy(shm_in_ptr, &input, sizeof(input));
        memcpy(&output, shm_out_ptr, sizeof(output));
{read_outputs}    }}
"""
