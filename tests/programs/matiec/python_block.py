"""Function blocks written in Python: the block in MatIEC's sources, which starts a script and exchanges values with it.

The script is a template whose last `%d` and `%s` the host replaces; the author's code stands before them as it is.
"""

from __future__ import annotations

from .model import Pou, Variable

# Character of Python's struct module for each type.
_FORMATS = {
    **dict.fromkeys(["BOOL", "USINT", "BYTE"], "B"), "SINT": "b", "INT": "h", "DINT": "i", "LINT": "q",
    **dict.fromkeys(["UINT", "WORD"], "H"), **dict.fromkeys(["UDINT", "DWORD"], "I"),
    **dict.fromkeys(["ULINT", "LWORD"], "Q"), "REAL": "f", "LREAL": "d",
}  # fmt: skip


def python_block(name: str, inputs: list[Variable], outputs: list[Variable], code: str) -> Pou:
    """`code` defines `block_init()`, called once, and `block_loop()`, called every 100 ms. Values are its globals."""
    private = [Variable("FIRST_RUN", "BOOL"), Variable("SHM_IN_PTR", "ULINT"), Variable("SHM_OUT_PTR", "ULINT")]
    template = _c_string(_script(name, inputs, outputs, code))
    body = _BODY.format(
        input_structure=_structure("shm_data_in_t", inputs),
        output_structure=_structure("shm_data_out_t", outputs),
        name=name,
        template=template,
        write_inputs="".join(f"        input->{pin.name} = data__->{pin.name}.value;\n" for pin in inputs),
        read_outputs="".join(f"        data__->{pin.name}.value = output->{pin.name};\n" for pin in outputs),
    )
    return Pou(name, [*inputs, *outputs, *private], body)


def _structure(name: str, pins: list[Variable]) -> str:
    fields = "".join(f"        IEC_{pin.type} {pin.name};\n" for pin in pins) or "        uint8_t unused;\n"
    return f"    typedef struct __attribute__((packed)) {{\n{fields}    }} {name};\n"


def _c_string(text: str) -> str:
    def escape(line: str) -> str:
        return line.replace("\\", "\\\\").replace('"', '\\"')

    return "\n".join(f'            "{escape(line)}\\n"' for line in text.splitlines())


def _script(name: str, inputs: list[Variable], outputs: list[Variable], code: str) -> str:
    input_names = "".join(f"{pin.name}, " for pin in inputs)
    output_names = "".join(f"{pin.name}, " for pin in outputs)
    return _SCRIPT.format(
        code=code.strip("\n"),
        name=name,
        input_format="".join(_FORMATS[pin.type] for pin in inputs),
        output_format="".join(_FORMATS[pin.type] for pin in outputs),
        initial_outputs="\n".join(f"{pin.name} = 0" for pin in outputs),
        read=f"    ({input_names}) = struct.unpack_from(fmt_in, shm_in.buf)" if inputs else "    pass",
        write=f"    struct.pack_into(fmt_out, shm_out.buf, 0, *({output_names}))" if outputs else "    pass",
    )


_SCRIPT = """\
import struct
import os
import time
from multiprocessing import shared_memory

{code}

plc_pid = %d
fmt_in = '={input_format}'
fmt_out = '={output_format}'
try:
    shm_in = shared_memory.SharedMemory(name='%s_in')
    shm_out = shared_memory.SharedMemory(name='%s_out')
except Exception as error:
    print(f'No shared memory: {{error}}')
    exit(1)

{initial_outputs}
block_init()
while True:
    try:
        os.kill(plc_pid, 0)
    except OSError:
        break
{read}
    block_loop()
{write}
    time.sleep(0.1)
print('{name} ends')
for memory in (shm_in, shm_out):
    memory.close()
    memory.unlink()
"""

_BODY = """\
{{{{
    typedef uint8_t IEC_BOOL;
{input_structure}{output_structure}}}}}
  IF FIRST_RUN = FALSE THEN
    {{{{
        pid_t pid = getpid();
        void *shm_in_ptr = NULL;
        void *shm_out_ptr = NULL;
        char shm_name[128];
        create_shm_name(shm_name, sizeof(shm_name));
        const char *script_name = "{name}.py";
        const char script_template[] =
{template};
        if (python_block_loader(script_name, script_template, shm_name, sizeof(shm_data_in_t), sizeof(shm_data_out_t), &shm_in_ptr, &shm_out_ptr, pid) < 0) {{
            printf("{name}: the script was not started\\n");
            return;
        }}
        data__->SHM_IN_PTR.value = (uint64_t)shm_in_ptr;
        data__->SHM_OUT_PTR.value = (uint64_t)shm_out_ptr;
    }}}}
    FIRST_RUN := TRUE;
  ELSE
    {{{{
        shm_data_in_t values_in, *input = &values_in;
        shm_data_out_t values_out, *output = &values_out;
        if (data__->SHM_IN_PTR.value == 0 || data__->SHM_OUT_PTR.value == 0) {{
            printf("{name}: no shared memory\\n");
            return;
        }}
{write_inputs}        memcpy((void *)data__->SHM_IN_PTR.value, input, sizeof(*input));
        memcpy(output, (void *)data__->SHM_OUT_PTR.value, sizeof(*output));
{read_outputs}    }}}}
  END_IF;
"""
