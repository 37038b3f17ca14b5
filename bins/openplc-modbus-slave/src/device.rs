//! The Modbus device that clients see: one request, one answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openplc_modbus::identification::{self, Level};
use openplc_modbus::{BitTable, Exception, RegisterTable, Request, WordOrder, response};
use openplc_plugin::{PlcState, Write, WriteFailure};

use crate::address_map::{AddressMap, Place, Places};
use crate::pending_writes::PendingWrites;
use crate::points::Points;
use crate::policy::Policy;

/// What a client is told that asks who this is.
const IDENTIFICATION: [(u8, &str); 4] = [
    (0, "OpenPLC Runtime"),
    (1, "openplc-modbus-slave"),
    (2, env!("CARGO_PKG_VERSION")),
    (4, "OpenPLC Runtime, systemd-native"),
];

/// Answers requests.
pub struct Device<P: Points> {
    points: P,
    word_order: WordOrder,
    policy: Policy,
    map: Mutex<Arc<AddressMap>>,
    pending: Mutex<PendingWrites<P::Ticket>>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Values were read.
    Read,
    /// Values were written, and perhaps read too.
    Written,
    /// It was refused.
    Refused(Exception),
}

impl<P: Points> Device<P> {
    /// A device over the process image.
    pub fn new(points: P, map: AddressMap, word_order: WordOrder, policy: Policy) -> Self {
        Self {
            points,
            word_order,
            policy,
            map: Mutex::new(Arc::new(map)),
            pending: Mutex::default(),
        }
    }

    /// Shows other values from now on: the image has other sizes.
    pub fn remap(&self, map: AddressMap) {
        *self.map.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
    }

    fn map(&self) -> Arc<AddressMap> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Appends the answer to the request in `pdu`. It neither waits nor depends on what others do.
    pub fn answer(&self, pdu: &[u8], answer: &mut Vec<u8>) -> Outcome {
        let start = answer.len();
        let function = pdu.first().copied().unwrap_or_default();
        let outcome = if self.policy.allows(function) {
            Request::parse(pdu).and_then(|request| self.execute(&request, answer))
        } else {
            Err(Exception::ILLEGAL_FUNCTION)
        };
        outcome.unwrap_or_else(|exception| {
            answer.truncate(start);
            response::exception(function, exception, answer);
            Outcome::Refused(exception)
        })
    }

    fn execute(&self, request: &Request<'_>, answer: &mut Vec<u8>) -> Result<Outcome, Exception> {
        let mut pending = self.pending();
        pending.forget_published(&self.points);
        let map = self.map();
        let coils = |first, count| exist(map.bits(BitTable::Coils, first, count));
        let holding = |first, count| exist(map.registers(RegisterTable::HoldingRegisters, first, count));
        match *request {
            Request::ReadBits(table, range) => {
                let places = exist(map.bits(table, range.first(), range.count().into()))?;
                let values = self.values(&pending, &places)?.0;
                response::bits(
                    request.function(),
                    values.into_iter().map(|value| value != 0),
                    answer,
                );
                return Ok(Outcome::Read);
            }
            Request::ReadRegisters(table, range) => {
                let places = exist(map.registers(table, range.first(), range.count().into()))?;
                self.answer_registers(request, &pending, &places, answer)?;
                return Ok(Outcome::Read);
            }
            Request::ReadIdentification(level, object) => {
                return identify(level, object, answer);
            }
            Request::WriteCoil(number, on) => {
                let places = coils(number, 1)?;
                self.write(&mut pending, &places, [u16::from(on)].into_iter())?;
            }
            Request::WriteCoils(first, bits) => {
                let places = coils(first, bits.count().into())?;
                self.write(&mut pending, &places, bits.iter().map(u16::from))?;
            }
            Request::WriteRegister(number, value) => {
                let places = holding(number, 1)?;
                self.write(&mut pending, &places, [value].into_iter())?;
            }
            Request::WriteRegisters(first, values) => {
                let places = holding(first, values.len())?;
                self.write(&mut pending, &places, values.iter())?;
            }
            Request::MaskRegister { register, and, or } => {
                let places = holding(register, 1)?;
                let (values, _) = self.values(&pending, &places)?;
                let old = places.registers(&values, self.word_order);
                let new = old.map(|old| old & and | or & !and);
                self.write(&mut pending, &places, new)?;
            }
            Request::ReadWriteRegisters { read, first, values } => {
                let read = holding(read.first(), read.count().into())?;
                let places = holding(first, values.len())?;
                self.write(&mut pending, &places, values.iter())?;
                self.answer_registers(request, &pending, &read, answer)?;
                return Ok(Outcome::Written);
            }
        }
        response::written(request, answer);
        Ok(Outcome::Written)
    }

    fn answer_registers(
        &self,
        request: &Request<'_>,
        pending: &PendingWrites<P::Ticket>,
        places: &Places,
        answer: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let (values, _) = self.values(pending, places)?;
        let registers = places.registers(&values, self.word_order);
        response::registers(request.function(), registers, answer);
        Ok(())
    }

    /// The values at these places, all of one scan but for what was written since, and whether the PLC runs.
    fn values(
        &self,
        pending: &PendingWrites<P::Ticket>,
        places: &Places,
    ) -> Result<(Vec<u64>, PlcState), Exception> {
        let count = places.count();
        let mut values = Vec::with_capacity(count);
        let state = self.points.read(|view| {
            values.clear();
            places.read(view, &mut values);
            view.moment().state
        });
        let state = state.map_err(|_| Exception::SERVER_DEVICE_FAILURE)?;
        if values.len() < count {
            return Err(Exception::ILLEGAL_DATA_ADDRESS);
        }
        if !pending.is_empty() {
            for (value, place) in values.iter_mut().zip(places.iter()) {
                *value = pending.value(place.address).unwrap_or(*value);
            }
        }
        Ok((values, state))
    }

    /// Writes registers or bits. A value of several registers of which not all are written keeps the others.
    fn write(
        &self,
        pending: &mut PendingWrites<P::Ticket>,
        places: &Places,
        contents: impl Iterator<Item = u16>,
    ) -> Result<(), Exception> {
        let (values, state) = self.values(pending, places)?;
        if state != PlcState::Running {
            return Err(Exception::SERVER_DEVICE_FAILURE);
        }
        let mut writes: Vec<Write> = Vec::with_capacity(values.len());
        for ((place, old), content) in places.iter().zip(values).zip(contents) {
            let Place { address, part, parts } = place;
            let changed = |value| self.word_order.with_register(value, part, parts, content);
            match writes.last_mut().filter(|write| write.address == address) {
                Some(write) => write.value = changed(write.value),
                None => writes.push(Write {
                    address,
                    value: changed(old),
                }),
            }
        }
        match self.points.write(&writes) {
            Ok(ticket) => {
                pending.add(ticket, &writes);
                Ok(())
            }
            Err(WriteFailure::Full) => Err(Exception::SERVER_DEVICE_BUSY),
            Err(WriteFailure::Detached | WriteFailure::Value) => Err(Exception::SERVER_DEVICE_FAILURE),
        }
    }

    fn pending(&self) -> MutexGuard<'_, PendingWrites<P::Ticket>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Places of which one may be beyond the last.
fn exist(places: Option<Places>) -> Result<Places, Exception> {
    places.ok_or(Exception::ILLEGAL_DATA_ADDRESS)
}

fn identify(level: Level, object: u8, answer: &mut Vec<u8>) -> Result<Outcome, Exception> {
    identification::respond(&IDENTIFICATION, level, object, answer)?;
    Ok(Outcome::Read)
}

#[cfg(test)]
mod tests;
