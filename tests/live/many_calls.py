import socket,select,os,time,mmap,fcntl,signal,resource,struct,tempfile,stat
s=socket.socket(socket.AF_UNIX); 
a,b=socket.socketpair(); a.send(b'hi'); print(b.recv(10)); a.sendmsg([b'x',b'yy']); b.recvmsg(100,100)
l=socket.socket(); l.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); l.bind(('127.0.0.1',0)); l.listen(5)
c=socket.create_connection(l.getsockname()); d,_=l.accept(); d.getpeername(); c.shutdown(1)
c.getsockopt(socket.SOL_SOCKET,socket.SO_ERROR); c.setsockopt(6,1,1)
socket.send_fds(a,[b'f'],[0]); socket.recv_fds(b,10,3)
ep=select.epoll(); ep.register(b,1); a.send(b'1'); ep.poll(0.1); 
p=select.poll(); p.register(b,1); p.poll(10); select.select([b],[a],[],0.01); select.select([l],[],[],0.001)
m=mmap.mmap(-1,8192); m.madvise(4); m.close()
f=tempfile.TemporaryFile(); f.write(b'abc'*50); f.flush(); os.fsync(f.fileno()); os.ftruncate(f.fileno(),10); fcntl.flock(f,2); fcntl.lockf(f,2); fcntl.fcntl(f,1); fcntl.fcntl(f,3); fcntl.fcntl(f,4,2048)
signal.signal(10,lambda *a:0); os.kill(os.getpid(),10); signal.pthread_sigmask(0,[1,2]); signal.sigpending(); signal.alarm(5); signal.setitimer(0,0.5,0); signal.getitimer(0); signal.setitimer(0,0)
resource.getrlimit(7); resource.setrlimit(4,(0,0)); resource.getrusage(0); os.getpriority(0,0); os.nice(1)
os.mkdir('/tmp/x/dd'); os.rename('/tmp/x/dd','/tmp/x/de'); os.rmdir('/tmp/x/de'); os.symlink('a','/tmp/x/sl'); os.readlink('/tmp/x/sl'); os.chmod('/tmp/x/l',0o755); os.unlink('/tmp/x/sl'); os.access('/tmp/x/l',4); os.statvfs('/'); os.umask(0o22)
os.pipe2(os.O_CLOEXEC); os.dup(1); os.eventfd(0); os.memfd_create('x'); os.sched_getaffinity(0); os.sched_setaffinity(0,[0]); os.sched_getscheduler(0); os.sched_getparam(0); os.sched_yield(); os.sched_get_priority_max(1)
os.getgroups(); os.getresuid(); os.getresgid(); os.getsid(0); os.getpgid(0); os.uname(); os.times(); os.getrandom(8); os.sendfile(os.open('/dev/null',1),os.open('/etc/passwd',0),0,10)
pid=os.fork()
if not pid: os._exit(3)
os.waitpid(pid,0); os.posix_fadvise(0,0,0,1) if 0 else 0
r,w=os.pipe(); os.writev(w,[b'a',b'bc']); os.readv(r,[bytearray(2),bytearray(5)]); os.preadv(os.open('/etc/passwd',0),[bytearray(5)],3); os.setxattr('/tmp/x/l','user.a',b'v'); os.getxattr('/tmp/x/l','user.a'); os.listxattr('/tmp/x/l'); os.removexattr('/tmp/x/l','user.a'); os.utime('/tmp/x/l',(1,2)); os.truncate('/tmp/x/s.err',0); os.link('/tmp/x/s.err','/tmp/x/lnk'); os.unlink('/tmp/x/lnk'); os.mkfifo('/tmp/x/ff'); os.unlink('/tmp/x/ff'); os.pidfd_open(os.getpid()); os.copy_file_range(os.open('/etc/passwd',0),os.open('/tmp/x/cc',os.O_RDWR|os.O_CREAT),10)
import threading
threading.Thread(target=lambda:time.sleep(0.01)).start()
os.isatty(0); os.get_terminal_size
os.system('true'); time.clock_gettime(2); os.cpu_count(); os.listdir('/tmp/x')
